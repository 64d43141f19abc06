using Esper.Contracts.Lifecycle;
using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>One seed's row of a store.</summary>
/// <param name="Stage">Stage.</param>
/// <param name="Alpha">Blend weight in [0, 1].</param>
/// <param name="Age">Epochs since the seed entered its stage.</param>
/// <param name="Embargo">Epochs of embargo left.</param>
/// <param name="Blueprint">Caller's number of the blueprint, 0 = none.</param>
/// <param name="Transitions">Transitions made since the store was created; saturates.</param>
/// <param name="Flags">Caller's bits.</param>
public readonly record struct SeedState(
    SeedStage Stage, float Alpha, uint Age, uint Embargo, uint Blueprint, uint Transitions, uint Flags)
{
    internal static SeedState FromNative(in EsperSeedState state) => new(
        (SeedStage)state.Stage, state.Alpha, state.Age, state.Embargo, state.Blueprint, state.Transitions, state.Flags);

    internal EsperSeedState ToNative()
    {
        EsperSeedState state = EsperSeedState.Create();
        state.Stage = (int)Stage;
        state.Alpha = Alpha;
        state.Age = Age;
        state.Embargo = Embargo;
        state.Blueprint = Blueprint;
        state.Transitions = Transitions;
        state.Flags = Flags;
        return state;
    }
}
