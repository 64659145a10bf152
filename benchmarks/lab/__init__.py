"""The lab: small models that are really trained, and real derivatives of them."""
