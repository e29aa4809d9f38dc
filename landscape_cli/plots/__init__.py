"""Pictures of stored surfaces; NumPy and Matplotlib only, never torch."""
