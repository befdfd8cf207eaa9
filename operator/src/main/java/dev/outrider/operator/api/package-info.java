/** The API {@code outrider.dev/v1alpha1}: the Java types that the CRDs are generated from. */
@NullMarked
package dev.outrider.operator.api;

import org.jspecify.annotations.NullMarked;
