/** The proxy against its peers, on this machine without Kubernetes. */
@NullMarked
package dev.outrider.e2e.bench.proxy;

import org.jspecify.annotations.NullMarked;
