"""The institution interface: reads messages, authenticates senders, translates; decides nothing."""
