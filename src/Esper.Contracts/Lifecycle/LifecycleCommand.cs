namespace Esper.Contracts.Lifecycle;

/// <summary>A structural change that somebody asks for. Validated before it is carried out, recorded either way.</summary>
/// <param name="Id">Unique within the run.</param>
/// <param name="Issuer">Who asks: a policy's name, or the part of the system that acted on a fault.</param>
/// <param name="Seed">The seed it concerns.</param>
/// <param name="Reason">Why, in one sentence.</param>
public abstract record LifecycleCommand(string Id, string Issuer, SeedId Seed, string Reason)
{
    /// <summary>How sure the issuer is of it, in [0, 1]; null where the issuer does not say.</summary>
    public double? Confidence { get; init; }
}

/// <summary>Attach a module of the named blueprint to a dormant seed.</summary>
/// <param name="Id">Unique within the run.</param>
/// <param name="Issuer">Who asks.</param>
/// <param name="Seed">The dormant seed.</param>
/// <param name="Blueprint">Name of a blueprint, see <see cref="Blueprints.Blueprint.Parse"/>.</param>
/// <param name="Reason">Why, in one sentence.</param>
public sealed record GerminateCommand(string Id, string Issuer, SeedId Seed, string Blueprint, string Reason)
    : LifecycleCommand(Id, Issuer, Seed, Reason);

/// <summary>Remove the module of a live seed.</summary>
/// <param name="Id">Unique within the run.</param>
/// <param name="Issuer">Who asks.</param>
/// <param name="Seed">The live seed.</param>
/// <param name="Reason">Why, in one sentence.</param>
public sealed record CullCommand(string Id, string Issuer, SeedId Seed, string Reason)
    : LifecycleCommand(Id, Issuer, Seed, Reason);

/// <summary>Make a holding seed permanent, if gate G5 agrees.</summary>
/// <param name="Id">Unique within the run.</param>
/// <param name="Issuer">Who asks.</param>
/// <param name="Seed">The holding seed.</param>
/// <param name="Reason">Why, in one sentence.</param>
public sealed record FossilizeCommand(string Id, string Issuer, SeedId Seed, string Reason)
    : LifecycleCommand(Id, Issuer, Seed, Reason);
