package dev.outrider.operator.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.ValidationRule;
import io.fabric8.kubernetes.model.annotation.SpecReplicas;
import org.jspecify.annotations.Nullable;

/**
 * What a user wants of a cluster. Everything but {@code storage} may be left out; what was left out
 * is resolved in the model and shown in the status, never written here.
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "has(self.bootstrap) == has(oldSelf.bootstrap)",
    fieldPath = ".bootstrap",
    message =
        "bootstrap describes how the data was made and cannot be added or taken away afterwards;"
            + " make a new cluster for another bootstrap")
@ValidationRule(
    value =
        "(has(self.postgres) && has(self.postgres.version) ? self.postgres.version : 18) =="
            + " (has(oldSelf.postgres) && has(oldSelf.postgres.version) ? oldSelf.postgres.version"
            + " : 18)",
    fieldPath = ".postgres",
    message =
        "postgres.version cannot be changed in place (it is 18 when not set); make a new cluster of"
            + " the other version and move the data by dump or logical replication")
@ValidationRule(
    value =
        "!has(self.replication) || !has(self.replication.mode) || self.replication.mode !="
            + " 'strict-sync' || (has(self.instances) ? self.instances : 1) != 1",
    fieldPath = ".replication.mode",
    message =
        "strict-sync with one instance could accept no write: no replica is there to confirm it;"
            + " allowed is instances 2 or more (it is 1 when not set), or mode sync or async")
@ValidationRule(
    value =
        "!has(self.replication) || !has(self.replication.syncInstances) ||"
            + " (has(self.instances) ? self.instances : 1) == 0 ||"
            + " self.replication.syncInstances < (has(self.instances) ? self.instances : 1)",
    fieldPath = ".replication.syncInstances",
    messageExpression =
        "'syncInstances ' + "
            + ReplicationSpec.NUMBERS
            + "[self.replication.syncInstances] + ' is more than the replicas"
            + " there are with instances ' + "
            + ReplicationSpec.NUMBERS
            + "[has(self.instances) ? self.instances : 1] + ';"
            + " allowed is less than instances (1 when not set), one of which is the primary'",
    message = "syncInstances must be less than instances, one of which is the primary")
public record PostgresClusterSpec(
    @JsonPropertyDescription(
            "How many instances: one primary, the others replicas. 0 hibernates the cluster and"
                + " keeps its data. Default 1.")
        @Min(0)
        @Max(32)
        @SpecReplicas
        @Nullable Integer instances,
    @JsonPropertyDescription("The volume of each instance.") @Required StorageSpec storage,
    @JsonPropertyDescription("The PostgreSQL server.") @Nullable PostgresSpec postgres,
    @JsonPropertyDescription("The proxy in front of it.") @Nullable ProxySpec proxy,
    @JsonPropertyDescription("When a commit is acknowledged.")
        @Nullable ReplicationSpec replication,
    @JsonPropertyDescription("The Services NAME-rw, NAME-ro and NAME-r.")
        @Nullable ServicesSpec services,
    @JsonPropertyDescription("How the data of a new cluster is made. Cannot be changed afterwards.")
        @ValidationRule(
            value = "self == oldSelf",
            message =
                "bootstrap describes how the data was made and cannot be changed afterwards; make"
                    + " a new cluster for another bootstrap")
        @Nullable BootstrapSpec bootstrap,
    @JsonPropertyDescription(
            "What happens to the volumes when the cluster is deleted. Retain (the default) keeps"
                + " them: a new cluster of the same name takes them up again.")
        @Nullable DeletionPolicy deletionPolicy,
    @JsonPropertyDescription("How far the operator goes to bring an instance back.")
        @Nullable RecoverySpec recovery,
    @JsonPropertyDescription("What every pod of the cluster gets.") @Nullable PodSpec pod) {}
