"""Where candles come from when no exchange is asked: files, a download kept on disk, a synthetic market."""
