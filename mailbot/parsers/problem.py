"""The one exception by which a file says that it cannot be read."""

from __future__ import annotations


class FileProblem(Exception):
    """`code` is a reason code of the SOP file: FILE-SANDI, FILE-RUSAK, FILE-BESAR, FILE-JENIS, FILE-ARSIP."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
