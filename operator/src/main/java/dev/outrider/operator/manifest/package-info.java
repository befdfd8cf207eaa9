/** Build time only: the CRDs and the one-file manifest, generated from the Java types. */
@NullMarked
package dev.outrider.operator.manifest;

import org.jspecify.annotations.NullMarked;
