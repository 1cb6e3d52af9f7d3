"""What every layer needs: readable errors, units, TOML, whole files, addressed randomness, parallel work."""
