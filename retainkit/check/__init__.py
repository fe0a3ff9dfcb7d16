"""The check room: what an export seems to be, what retainkit would do with it, and a project made from that."""
