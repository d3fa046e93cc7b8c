"""The planner: the requirements of an operation, their price, and the purchases that meet them."""
