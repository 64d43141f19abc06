namespace Esper.Contracts.Lifecycle;

/// <summary>Why a command was turned away before any gate saw it.</summary>
public enum CommandFault
{
    /// <summary>It cannot be read: damaged bytes, an unknown kind, a field that is empty or out of its range.</summary>
    Malformed,

    /// <summary>It carries no signature.</summary>
    NotSigned,

    /// <summary>Its signature is not that of its signer over this content with this run's key.</summary>
    WrongSignature,

    /// <summary>It was signed for another run.</summary>
    WrongRun,

    /// <summary>Its issuer is not the signer, is unknown, or may not give commands of this kind.</summary>
    WrongIssuer,

    /// <summary>It does not say why it was given.</summary>
    Unannotated,

    /// <summary>It was issued later than now, by more than clocks may differ.</summary>
    IssuedInFuture,

    /// <summary>Its deadline lies before it was issued, or further behind than a command may live.</summary>
    InvalidWindow,

    /// <summary>Its deadline has passed.</summary>
    Stale,

    /// <summary>Its nonce was seen before.</summary>
    Replayed,
}

/// <summary>A refusal of a command by the guard.</summary>
/// <param name="Fault">What is wrong.</param>
/// <param name="CommandId">The command's id as it stands there; empty where it cannot be read.</param>
/// <param name="Issuer">The issuer as it stands there; empty where it cannot be read.</param>
/// <param name="Field">The field at fault.</param>
/// <param name="Found">What the field holds; never key material.</param>
/// <param name="Required">What it would have to hold.</param>
public sealed record CommandRefusal(
    CommandFault Fault, string CommandId, string Issuer, string Field, string Found, string Required)
{
    /// <summary>The refusal in one sentence.</summary>
    public string Describe() => $"command guard, {Fault}: {Field} is {(Found.Length == 0 ? "empty" : $"'{Found}'")}, required is {Required}";
}
