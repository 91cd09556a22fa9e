"""Leads, deals and the stages that they go through, their conversion, and what is expected of them."""
