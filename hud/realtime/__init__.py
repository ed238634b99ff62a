"""The Realtime protocol without I/O: no sockets, no clock, no trio."""
