"""A running fit ↔ a page in the browser, which shows its maps and steers it: `Page`."""

from bhtsne.live.page import Page
from bhtsne.live.snapshot import Snapshot

__all__ = ["Page", "Snapshot"]
