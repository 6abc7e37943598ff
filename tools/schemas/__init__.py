"""What stands in schemas/, as text: `tools.gen_schemas` writes it."""
