"""What has happened, one event after the other: from the stream, or else from the archive."""
