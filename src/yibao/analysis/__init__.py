"""What-if: two laws over one population of bills, and who gains and who loses."""
