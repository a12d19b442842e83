"""Rules of use, checked before, while and after care is given (智能审核)."""
