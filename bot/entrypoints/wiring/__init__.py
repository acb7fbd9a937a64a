"""The one place that names the adapters together."""
