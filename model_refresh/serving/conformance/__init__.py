"""A generated folder, tested where there is nothing but what it pins."""
