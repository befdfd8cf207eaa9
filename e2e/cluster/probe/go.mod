module outrider.dev/e2e/cluster/probe

go 1.21
