module trackunit.local/supply/pause

go 1.24
