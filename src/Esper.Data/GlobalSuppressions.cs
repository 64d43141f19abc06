using System.Diagnostics.CodeAnalysis;

[assembly: SuppressMessage(
    "Naming", "CA1720:Identifier contains type name", Justification = "Element types carry NumPy's names.", Scope = "type", Target = "~T:Esper.Data.NpyType")]
