"""mailbot: reads permohonan hak akses SPSE from a mailbox, answers, judges completeness and queues them for people."""

__version__ = "0.1.0"
