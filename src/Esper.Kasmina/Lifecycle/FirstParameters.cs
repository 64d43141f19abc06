using Esper.Contracts.Blueprints;
using Esper.Graph;

namespace Esper.Kasmina.Lifecycle;

/// <summary>
/// First parameters of a module that is part of the model from the start. A newborn in a trained host starts as the identity, so that
/// its birth changes nothing; here nothing is trained yet that a birth could disturb, and weights and biases start as those of the
/// host's own linear layers do: uniform in +-1/sqrt(fan in). The exceptions start as their counterparts in a host do as well: an affine
/// module, which is a normalisation's scale and shift, at scale 1 and shift 0; blend parameters as at any birth.
/// </summary>
internal static class FirstParameters
{
    /// <summary>Draws the parameters.</summary>
    /// <param name="blueprint">The module.</param>
    /// <param name="channels">Channels of its chunk.</param>
    /// <param name="identity">The parameters with which it would be born, in libesper's order; its blend parameters are kept.</param>
    /// <param name="name">Names the stream of random numbers.</param>
    /// <param name="seed">Seed of the run.</param>
    public static float[] Draw(Blueprint blueprint, int channels, ReadOnlySpan<float> identity, string name, long seed)
    {
        float[] parameters = identity.ToArray();
        int next = 0;
        foreach ((string part, long count, long fanIn) in Parts(blueprint, channels))
        {
            Parameter parameter = new($"{name}.{part}", [count], Initializer.KaimingUniformTorch(fanIn), ParameterRole.Weight);
            ParameterMaterializer.Materialize(parameter, seed).Span.CopyTo(parameters.AsSpan(next));
            next += checked((int)count);
        }

        return parameters;
    }

    /// <summary>Maps of a module in the order of esper.h, from the start; what is not named keeps its first value.</summary>
    private static IEnumerable<(string Part, long Count, long FanIn)> Parts(Blueprint blueprint, int channels)
    {
        long c = channels, r = blueprint.Rank, k = (long)blueprint.Kernel * blueprint.Kernel;
        return blueprint.Family switch
        {
            BlueprintFamily.Affine => [],
            BlueprintFamily.LowRank => [("in.weight", r * c, c), ("out.weight", c * r, r)],
            BlueprintFamily.Depthwise => [("in.weight", c * k, k), ("in.bias", c, k), ("out.weight", c * c, c), ("out.bias", c, c)],
            _ => [("in.weight", r * c, c), ("in.bias", r, c), ("out.weight", c * r, r), ("out.bias", c, r)],
        };
    }
}
