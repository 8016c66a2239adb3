"""The dialect layer under ``legacy.spot_db``: one SQL text for SQLite and for MySQL or MariaDB."""
