"""Why a gradient is what it is: what flows back through a record, and where it is lost."""
