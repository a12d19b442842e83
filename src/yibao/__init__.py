"""Yibao (医保): the insurer's side of China's medical-insurance system."""

__version__ = "0.1.0"
