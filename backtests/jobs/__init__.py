"""Back-tests and studies as work for any number of workers: claimed, kept alive, handed back, cancelled, kept."""
