package dev.outrider.operator.model;

import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodConditionBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Instant;
import java.util.HashMap;
import org.jspecify.annotations.Nullable;

/** Makes a pod of the example as kubelet, scheduler and Patroni would leave it. */
public final class ExamplePod {
  private static final PodTemplateSpec MINIMAL =
      Example.objects(Example.valid("minimal")).podTemplate();

  private final Pod pod;

  /** A pod of the minimal cluster that has just been made: pending, on no node. */
  public ExamplePod(int ordinal) {
    this(ordinal, MINIMAL);
  }

  public ExamplePod(int ordinal, PodTemplateSpec template) {
    pod =
        new PodBuilder()
            .withNewMetadata()
            .withName(Example.NAMES.pod(ordinal))
            .withNamespace(Example.NAMES.namespace())
            .withUid("uid-" + ordinal)
            .withAnnotations(new HashMap<>(template.getMetadata().getAnnotations()))
            .withLabels(new HashMap<>(template.getMetadata().getLabels()))
            .endMetadata()
            // Edited by some tests: a copy to the bottom.
            .withSpec(Serialization.clone(template.getSpec()))
            .withNewStatus()
            .withPhase("Pending")
            .endStatus()
            .build();
  }

  /** On a node, its containers running, ready. */
  public ExamplePod ready() {
    pod.getSpec().setNodeName("node1");
    pod.getStatus().setPhase("Running");
    return condition("Ready", "True", null, null);
  }

  /** On a node, its containers running, not ready. */
  public ExamplePod running() {
    pod.getSpec().setNodeName("node1");
    pod.getStatus().setPhase("Running");
    return condition("Ready", "False", "ContainersNotReady", "containers with unready status");
  }

  public ExamplePod condition(
      String type, String status, @Nullable String reason, @Nullable String message) {
    pod.getStatus().getConditions().removeIf(c -> c.getType().equals(type));
    pod.getStatus()
        .getConditions()
        .add(
            new PodConditionBuilder()
                .withType(type)
                .withStatus(status)
                .withReason(reason)
                .withMessage(message)
                .build());
    return this;
  }

  /** A container that waits for something. */
  public ExamplePod waiting(String container, String reason, String message) {
    pod.getStatus()
        .getContainerStatuses()
        .add(
            new ContainerStatusBuilder()
                .withName(container)
                .withNewState()
                .withNewWaiting(message, reason)
                .endState()
                .build());
    return this;
  }

  /** A container that runs since then. */
  public ExamplePod started(String container, Instant since) {
    pod.getStatus()
        .getContainerStatuses()
        .add(
            new ContainerStatusBuilder()
                .withName(container)
                .withNewState()
                .withNewRunning(since.toString())
                .endState()
                .build());
    return this;
  }

  /** The container of an agent, running. */
  public ExamplePod agent(String name, String id, boolean ready) {
    pod.getStatus().getInitContainerStatuses().removeIf(c -> c.getName().equals(name));
    pod.getStatus()
        .getInitContainerStatuses()
        .add(
            new ContainerStatusBuilder()
                .withName(name)
                .withContainerID(id)
                .withReady(ready)
                .withNewState()
                .withNewRunning()
                .endRunning()
                .endState()
                .build());
    return this;
  }

  /** A replica that runs and of which the launcher of Patroni says that it is stuck. */
  public ExamplePod stuck(long timeline, long location, Instant since, String reason) {
    return running()
        .label(Names.ROLE_LABEL, Names.REPLICA)
        .patroni(
            """
            {"state":"running","role":"replica","version":"4.1.5","xlog_location":%d,\
            "timeline":%d,"outrider":{"stuck":{"since":"%s","reason":"%s"}}}"""
                .formatted(location, timeline, since, reason));
  }

  public ExamplePod uid(String uid) {
    pod.getMetadata().setUid(uid);
    return this;
  }

  /** Being deleted, with this end of its grace period. */
  public ExamplePod ending(Instant end) {
    pod.getMetadata().setDeletionTimestamp(end.toString());
    return this;
  }

  /** A pod whose volume is on a node that takes none. */
  public ExamplePod homeless(Instant since, String message) {
    pod.getStatus()
        .getConditions()
        .add(
            new PodConditionBuilder()
                .withType("PodScheduled")
                .withStatus("False")
                .withReason("Unschedulable")
                .withMessage(message)
                .withLastTransitionTime(since.toString())
                .build());
    return this;
  }

  public ExamplePod address(String ip) {
    pod.getStatus().setPodIP(ip);
    return this;
  }

  /** The port at which the proxy serves its status. */
  public ExamplePod statusPort(int port) {
    pod.getSpec().getInitContainers().stream()
        .flatMap(container -> container.getPorts().stream())
        .filter(p -> p.getName().equals("proxy-status"))
        .forEach(p -> p.setContainerPort(port));
    return this;
  }

  public ExamplePod image(String agent, String image) {
    pod.getSpec().getInitContainers().stream()
        .filter(container -> container.getName().equals(agent))
        .forEach(container -> container.setImage(image));
    return this;
  }

  public ExamplePod deleted() {
    pod.getMetadata().setDeletionTimestamp("2026-11-21T12:00:00Z");
    return this;
  }

  /** Patroni's annotation. */
  public ExamplePod patroni(String json) {
    return annotation("status", json);
  }

  public ExamplePod primary(long location) {
    return ready()
        .label(Names.ROLE_LABEL, Names.PRIMARY)
        .patroni(
            """
            {"conn_url":"postgres://10.88.2.15:5433/postgres","state":"running","role":"primary",\
            "version":"4.1.5","xlog_location":%d,"timeline":1}"""
                .formatted(location));
  }

  public ExamplePod replica(long location) {
    return ready()
        .label(Names.ROLE_LABEL, Names.REPLICA)
        .patroni(
            """
            {"conn_url":"postgres://10.88.2.16:5433/postgres","state":"running","role":"replica",\
            "version":"4.1.5","xlog_location":%d,"replication_state":"streaming","timeline":1}"""
                .formatted(location));
  }

  public ExamplePod annotation(String name, String value) {
    pod.getMetadata().getAnnotations().put(name, value);
    return this;
  }

  public ExamplePod label(String name, String value) {
    pod.getMetadata().getLabels().put(name, value);
    return this;
  }

  public Pod pod() {
    return pod.edit().build();
  }

  public Instance instance() {
    return Instance.of(pod());
  }
}
