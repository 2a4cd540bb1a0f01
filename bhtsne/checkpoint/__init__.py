"""A fit ↔ a folder, in which it is saved while it goes on, see `Checkpointing`."""

from bhtsne.checkpoint.settings import Checkpointing

__all__ = ["Checkpointing"]
