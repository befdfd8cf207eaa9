/**
 * Pure: a spec and observed facts in, Kubernetes objects, plans and status out. No I/O, no clock.
 */
@NullMarked
package dev.outrider.operator.model;

import org.jspecify.annotations.NullMarked;
