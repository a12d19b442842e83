-- Person numbers of other platforms, for those let in by the open door.
SELECT;
