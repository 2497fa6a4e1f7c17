"""What can be declared, and how a fleet's folders become models."""
