"""Where the tables of the first release are collected: each tool's module adds its own."""

import sqlalchemy as sa

metadata = sa.MetaData()
