"""Who may act for whom (亲情账户): show a code, inquire, file; no money."""
