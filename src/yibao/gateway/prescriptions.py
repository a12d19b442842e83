"""Electronic prescriptions (电子处方): 71xx, 72xx and the centre's D001 to D006."""
