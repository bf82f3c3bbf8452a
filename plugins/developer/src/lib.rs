//! Applies the fixes that findings carry and writes a patch.
