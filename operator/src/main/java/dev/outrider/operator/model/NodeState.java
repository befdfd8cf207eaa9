package dev.outrider.operator.model;

/** What is known of a node that holds a pod or a volume. */
public enum NodeState {
  READY,
  /** It answers, and somebody keeps new pods away from it: a maintenance. */
  CORDONED,
  /** It does not answer, or is not there any more. */
  LOST,
  /** The operator may not see nodes. */
  UNKNOWN
}
