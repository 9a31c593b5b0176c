"""An exchange in a box: the part of Bybit V5 that ccxt uses for spot and linear, on replayed candles."""
