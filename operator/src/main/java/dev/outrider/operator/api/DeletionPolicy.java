package dev.outrider.operator.api;

/** What happens to the volumes when a cluster is deleted. */
public enum DeletionPolicy {
  Retain,
  Delete
}
