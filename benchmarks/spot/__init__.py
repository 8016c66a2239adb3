"""All of spot, native against the bundled monolith, each on its own copy of the same data on one MariaDB."""
