/** The HTTP endpoint of an agent: metrics, probes, and the status that the operator reads. */
@NullMarked
package dev.outrider.agents.http;

import org.jspecify.annotations.NullMarked;
