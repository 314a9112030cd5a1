"""Small speech models trained by this project on synthetic speech, and all that makes them.

Importing this package imports nothing else: synthesis, training and evaluation are loaded by
the scripts ``train`` and ``evaluate`` only.
"""
