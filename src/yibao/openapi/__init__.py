"""REST for apps (面向应用的接口): a person's accounts, family and bills; decides nothing."""
