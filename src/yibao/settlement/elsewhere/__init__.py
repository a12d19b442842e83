"""Bills that an account in another pool pays: hold there, settle here, capture there."""
