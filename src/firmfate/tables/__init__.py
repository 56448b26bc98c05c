"""Tables as files write them: typed readers of TOML and CSV that name what is wrong, and tables written as TOML.

Studies, designs, populations and profiles of clusters are all read with these.
"""
