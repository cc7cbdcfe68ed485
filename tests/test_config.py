import tomllib
from pathlib import Path

import pytest

from mailbot import config

EXAMPLE = Path(__file__).parents[1] / "config.example.toml"


def test_the_example_names_every_key_with_its_default() -> None:
    assert config.load(EXAMPLE) == config.Settings()
    data = tomllib.loads(EXAMPLE.read_text())
    for name, section in config.Settings.model_fields.items():
        model = section.annotation if name != "mailbox" else config.MailboxSection
        given = data[name][0] if name == "mailbox" else data[name]
        assert set(given) == set(model.model_fields)  # type: ignore[union-attr]


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[office]\nnmae = 'x'\n")
    with pytest.raises(config.ConfigError, match=r"office\.nmae"):
        config.load(path)
