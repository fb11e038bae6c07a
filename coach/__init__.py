"""Answer feedback coach: honest, private feedback on interview answers."""
