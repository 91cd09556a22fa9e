"""Manifests for Kubernetes: made from what a stack is made of, their secrets, and a check without a cluster."""
