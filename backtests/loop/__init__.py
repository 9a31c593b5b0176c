"""The back-test's loop over plain numbers: compiled for the strategies that can be, the same loop as Python for all others.

``records`` holds what it works on, ``money`` the account, ``segment`` the way from point to point, ``orders`` what a
decision does to the standing orders, ``run`` the candles.
"""
